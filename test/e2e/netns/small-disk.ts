// A file system of its own for one server, small enough to be full: an image file mounted through a
// loop device, or memory where there is none. As root only.

import { readdirSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attempt, run } from './namespaces.ts'

const BYTES = 768 * 2 ** 20

/** One for each of these empty directories. */
export function mountSmallDisks(
  paths: readonly string[],
): Disposable & { readonly disks: readonly SmallDisk[] } {
  const disks: SmallDisk[] = []
  const unmount = (): void => {
    for (const disk of disks) disk[Symbol.dispose]()
  }
  try {
    for (const path of paths) disks.push(new SmallDisk(path))
  } catch (error) {
    unmount()
    throw error
  }
  return { disks, [Symbol.dispose]: unmount }
}

export class SmallDisk implements Disposable {
  readonly kind: 'ext4' | 'tmpfs'
  readonly #path: string

  /** `path` is an empty directory; the image is put beside it. */
  constructor(path: string) {
    this.#path = path
    const image = `${path}.image`
    writeFileSync(image, '')
    truncateSync(image, BYTES)
    const format = ['mkfs.ext4', '-q', '-F', '-m', '0', '-E', 'lazy_itable_init=1', image]
    const isImage = attempt(format) && attempt(['mount', '-o', 'loop', image, path])
    this.kind = isImage ? 'ext4' : 'tmpfs'
    if (!isImage) run(['mount', '-t', 'tmpfs', '-o', `size=${BYTES}`, 'tmpfs', path])
    rmSync(join(path, 'lost+found'), { recursive: true, force: true })
  }

  /** Not a byte is left. */
  fill(): void {
    const { bavail, bsize } = statfsSync(this.#path)
    // What goes on being written meanwhile may take the last of it first.
    for (const part of [1, 0.99, 0.9]) {
      const length = Math.floor(bavail * bsize * part)
      if (attempt(['fallocate', '-l', `${length}`, this.#ballast])) break
    }
    attempt(['dd', 'if=/dev/zero', `of=${this.#ballast}.rest`, 'bs=4k', 'status=none'])
  }

  free(): void {
    for (const name of readdirSync(this.#path)) {
      if (name.startsWith('ballast')) rmSync(join(this.#path, name))
    }
  }

  [Symbol.dispose](): void {
    attempt(['umount', '-l', this.#path])
  }

  get #ballast(): string {
    return join(this.#path, 'ballast')
  }
}
