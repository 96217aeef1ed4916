// The data directories before anything is read from them: they exist, and no other server has them.

import { basename } from 'node:path'
import type { Disk } from '../ports/disk.ts'
import { type ServerConfig, versionedDirectory } from './config/config.ts'
import { ExitCode, ServerError } from './exit-code.ts'
import type { ServerPorts } from './server-ports.ts'

export interface HeldDirectories {
  /** Lets other servers have them. */
  release(): void
}

/**
 * Rejects with a {@link ServerError} where they cannot be had. `onLost` is called when they are had
 * no longer: this server was believed dead, and must end.
 */
export async function prepareDirectories(
  config: ServerConfig,
  ports: Pick<ServerPorts, 'disk' | 'lockDirectory'>,
  onLost: () => void,
): Promise<HeldDirectories> {
  const parents = [...new Set([config.dataDir, config.dataLogDir])]
  const locks: HeldDirectories[] = []
  const release = (): void => {
    for (const lock of locks.splice(0).reverse()) lock.release()
  }
  try {
    for (const parent of parents) {
      make(config, parent, ports.disk)
      locks.push(await ports.lockDirectory(parent, onLost))
    }
  } catch (error) {
    release()
    throw error instanceof ServerError ? error : unusable(error)
  }
  return { release }
}

function make(config: ServerConfig, parent: string, disk: Disk): void {
  const directory = versionedDirectory(parent)
  if (!config.createDirectories && !disk.list(parent).includes(basename(directory))) {
    throw new ServerError(
      'DATADIR_MISSING',
      ExitCode.dataDirectory,
      `Missing data directory ${directory}, automatic data directory creation is disabled ` +
        '(datadir.autocreate is false). Please create this directory manually.',
    )
  }
  disk.makeDirectory(directory)
}

function unusable(error: unknown): ServerError {
  const { code, message } = error as NodeJS.ErrnoException
  return new ServerError(code ?? 'DATADIR', ExitCode.dataDirectory, message, error)
}
