// The time of the present step, for all parts of a replica: set once by `step`, read by them.

import type { Moment } from './ready.ts'

export class StepTime implements Moment {
  nowMs: number
  wallMs: number

  constructor(moment: Moment) {
    this.nowMs = moment.nowMs
    this.wallMs = moment.wallMs
  }

  set(moment: Moment): void {
    this.nowMs = moment.nowMs
    this.wallMs = moment.wallMs
  }
}
