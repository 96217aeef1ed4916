// A request that can be read, but has a null where ZooKeeper needs a value: its server fails inside
// and answers MarshallingError. Unlike one that cannot be read, such a write has a zxid by then,
// save for a multi whose access list is null, which fails while it is being read.

export class UnusableRequest extends Error {
  override readonly name: string = 'UnusableRequest'
  readonly spendsZxid: boolean

  constructor(message: string, spendsZxid: boolean = true) {
    super(message)
    this.spendsZxid = spendsZxid
  }
}
