// Prints figures: aligned lines for people, or JSON lines for whoever keeps them.

import type { LoadResult } from './load.ts'
import type { Comparison } from './throughput.ts'

type Values = Readonly<Record<string, number>>

export class Report {
  readonly #json: boolean
  readonly #ratios: number[] = []

  constructor(json: boolean) {
    this.#json = json
  }

  note(text: string): void {
    if (!this.#json) console.log(text)
  }

  throughputHead(besides: boolean): void {
    const columns = ['load', 'ops/s', 'p50 us', 'p99 us']
    this.note('')
    this.note(row(besides ? [...columns, 'other/s', 'p50 us', 'p99 us', 'ratio'] : columns))
  }

  throughput({ title, zabra, beside, ratio }: Comparison): void {
    if (ratio !== null) this.#ratios.push(ratio)
    if (this.#json) console.log(JSON.stringify({ figure: title, zabra, beside, ratio }))
    else if (beside === null || ratio === null) this.note(row([title, ...cells(zabra)]))
    else this.note(row([title, ...cells(zabra), ...cells(beside), ratio.toFixed(2)]))
  }

  throughputEnd(): void {
    if (this.#ratios.length < 2) return
    const sum = this.#ratios.reduce((total, ratio) => total + Math.log(ratio), 0)
    this.note(`geometric mean of the ratios: ${Math.exp(sum / this.#ratios.length).toFixed(2)}`)
  }

  figure(title: string, zabra: Values, beside: Values | null): void {
    if (this.#json) {
      console.log(JSON.stringify({ figure: title, zabra, beside }))
      return
    }
    this.note('')
    this.note(title)
    for (const [name, value] of Object.entries(zabra)) {
      const other = beside?.[name]
      const comparison =
        other === undefined ? '' : `   other ${number(other)}   ratio ${(value / other).toFixed(2)}`
      this.note(`  ${name.padEnd(18)} ${number(value)}${comparison}`)
    }
  }

  progress(bytes: number): void {
    if (!this.#json && process.stdout.isTTY) {
      process.stdout.write(`\r  resident ${(bytes / 2 ** 20).toFixed(1)} MiB   `)
    }
  }
}

const cells = (result: LoadResult): string[] => [
  result.perSecond.toFixed(0),
  result.p50Us.toFixed(0),
  result.p99Us.toFixed(0),
]

const number = (value: number): string => value.toFixed(value < 1_000 ? 1 : 0).padStart(10)

const row = ([title = '', ...numbers]: readonly string[]): string =>
  title.padEnd(20) + numbers.map((text) => text.padStart(11)).join('')
