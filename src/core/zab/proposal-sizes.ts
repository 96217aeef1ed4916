// How large a leader's proposals are, for those who watch it (ZooKeeper 3.9 `BufferStats`): bytes,
// and -1 for each before the first.

export class ProposalSizes {
  count = 0
  lastBytes = -1
  minBytes = -1
  maxBytes = -1

  add(bytes: number): void {
    this.count++
    this.lastBytes = bytes
    if (this.minBytes === -1 || bytes < this.minBytes) this.minBytes = bytes
    if (bytes > this.maxBytes) this.maxBytes = bytes
  }

  reset(): void {
    this.count = 0
    this.lastBytes = -1
    this.minBytes = -1
    this.maxBytes = -1
  }
}
