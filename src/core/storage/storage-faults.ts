// Old faults that a test switches back on, where they lie below the storage code. Production never
// comes here.

import type { Disk, Done } from '../../ports/disk.ts'
import { ForwardingDisk } from '../../ports/forwarding-disk.ts'
import type { StorageFaults } from './storage-options.ts'

export function diskWithFaults(disk: Disk, faults: StorageFaults | undefined): Disk {
  return faults?.skipsDirectorySync === true ? new CarelessDisk(disk) : disk
}

/** Leaves it to chance whether names survive a crash, as ZooKeeper does. */
class CarelessDisk extends ForwardingDisk {
  /** It takes its time like any request, and nothing comes of it. */
  override syncDirectory(directory: string, done: Done): void {
    this.disk.unlink(`${directory}/zabra-nothing`, () => done(null))
  }

  override settleNames(): void {}
}
