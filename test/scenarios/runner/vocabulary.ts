// The words that a scenario may begin a command with: each is a file, `get-acl.ts` is `getACL`. A
// new file in one of the two folders is a new word, and nothing else has to know.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ClientCommand, Command } from './command.ts'
import { type CompoundOperation, type Operation, type Operations, isCompound } from './operation.ts'

export class Vocabulary implements Operations {
  readonly commands: ReadonlyMap<string, Command | ClientCommand>
  readonly operations: ReadonlyMap<string, Operation | CompoundOperation>
  readonly #byCode: ReadonlyMap<number, Operation | CompoundOperation>

  constructor(
    commands: ReadonlyMap<string, Command | ClientCommand>,
    operations: ReadonlyMap<string, Operation | CompoundOperation>,
  ) {
    this.commands = commands
    this.operations = operations
    this.#byCode = new Map([...operations.values()].map((operation) => [operation.op, operation]))
  }

  command(verb: string): Command | ClientCommand | undefined {
    return this.commands.get(verb.toLowerCase())
  }

  operation(verb: string): Operation | CompoundOperation | undefined {
    return this.operations.get(verb.toLowerCase())
  }

  byVerb(verb: string): Operation | undefined {
    const operation = this.operation(verb)
    return operation === undefined || isCompound(operation) ? undefined : operation
  }

  byCode(op: number): Operation | undefined {
    const operation = this.any(op)
    return operation === undefined || isCompound(operation) ? undefined : operation
  }

  any(op: number): Operation | CompoundOperation | undefined {
    return this.#byCode.get(op)
  }
}

export async function loadVocabulary(): Promise<Vocabulary> {
  return new Vocabulary(
    await loadFolder<Command | ClientCommand>('commands', 'command'),
    await loadFolder<Operation | CompoundOperation>('operations', 'operation'),
  )
}

async function loadFolder<T>(folder: string, exported: string): Promise<ReadonlyMap<string, T>> {
  const loaded = new Map<string, T>()
  for (const file of readdirSync(join(import.meta.dirname, folder)).sort()) {
    const module = (await import(`./${folder}/${file.replace(/\.ts$/, '')}.ts`)) as Record<
      string,
      T
    >
    const value = module[exported]
    if (value === undefined) throw new Error(`${folder}/${file} exports no ${exported}`)
    loaded.set(verbOf(file), value)
  }
  return loaded
}

const verbOf = (file: string): string => file.replace(/\.ts$/, '').replaceAll('-', '')
