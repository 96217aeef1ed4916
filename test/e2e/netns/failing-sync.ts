// Errors of the disk at the moment of truth: a small library, compiled for the occasion and loaded
// into each server before its own, lets durable writes and syncs fail while a file says so.

import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attempt } from './namespaces.ts'

const SOURCE = join(import.meta.dirname, 'failing-sync.c')

/** Where the library has been put; null where there is no compiler. */
export function compileFailingSync(directory: string): string | null {
  const library = join(directory, 'failing-sync.so')
  return attempt(['cc', '-shared', '-fPIC', '-O1', '-o', library, SOURCE, '-ldl']) ? library : null
}

export class FailingSync {
  readonly environment: Readonly<Record<string, string>>
  readonly #switch: string

  constructor(library: string, directory: string) {
    this.#switch = join(directory, 'sync-fault')
    this.environment = { LD_PRELOAD: library, ZABRA_SYNC_FAULT: this.#switch }
  }

  /** Whether the bytes that could not be made durable can be read nevertheless. */
  begin(bytes: 'kept' | 'lost'): void {
    writeFileSync(`${this.#switch}.${bytes}`, '')
  }

  end(): void {
    for (const bytes of ['kept', 'lost']) rmSync(`${this.#switch}.${bytes}`, { force: true })
  }
}
