// Arguments that are whole numbers within bounds.

import { InvalidArgumentError } from 'commander'

/** Reads an argument that is a whole number from `min` to `max`, and nothing else. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN
    if (value >= min && value <= max) return value
    throw new InvalidArgumentError(`${text} is not a whole number ${min}..${max}.`)
  }
}
