// How the tools of this repository read their command lines: what they do not understand is said in
// a line, with status 2, before anything is started.

import { Command, InvalidArgumentError } from 'commander'

export function commandLine(name: string): Command {
  const command = new Command(name)
  return command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
}

/** Reads a length of time from `min` seconds to a day, which may have a fraction. */
export function seconds(min: number): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN
    if (value >= min && value <= 86_400) return value
    throw new InvalidArgumentError(`${text} is not a number of seconds ${min}..86400.`)
  }
}
