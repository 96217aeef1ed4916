// The data directories before anything is read from them: they exist, and no other server has them.

import { basename } from 'node:path'
import { type Disk, DiskError } from '../ports/disk.ts'
import { type ServerConfig, versionedDirectory } from './config/config.ts'
import { ExitCode, ServerError } from './exit-code.ts'

export interface HeldDirectories {
  /** Lets other servers have them. */
  release(): void
}

/** Rejects with a {@link ServerError} where they cannot be had. */
export async function prepareDirectories(
  config: ServerConfig,
  disk: Disk,
): Promise<HeldDirectories> {
  for (const parent of new Set([config.dataDir, config.dataLogDir])) make(config, parent, disk)
  return { release: () => {} }
}

function make(config: ServerConfig, parent: string, disk: Disk): void {
  const directory = versionedDirectory(parent)
  try {
    if (!config.createDirectories && !disk.list(parent).includes(basename(directory))) {
      throw new ServerError(
        'DATADIR_MISSING',
        ExitCode.dataDirectory,
        `Missing data directory ${directory}, automatic data directory creation is disabled ` +
          '(datadir.autocreate is false). Please create this directory manually.',
      )
    }
    disk.makeDirectory(directory)
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    throw new ServerError(error.code, ExitCode.dataDirectory, error.message, error)
  }
}
