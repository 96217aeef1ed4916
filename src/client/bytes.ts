// What may be given as data: bytes, or text that is stored as UTF-8.

export type Bytes = Uint8Array | string
