// A request that can be read, but has a null where ZooKeeper needs a value: its server fails inside
// and answers MarshallingError. Unlike one that cannot be read, such a write has a zxid by then.

export class UnusableRequest extends Error {
  override readonly name: string = 'UnusableRequest'
}
