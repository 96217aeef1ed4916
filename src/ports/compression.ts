// Whole-buffer compression, for snapshots that Apache ZooKeeper wrote or shall read.

export interface Compression {
  /** Each throws an Error where the input is not what it claims to be. */
  gunzip(bytes: Uint8Array): Uint8Array
  gzip(bytes: Uint8Array): Uint8Array
  /** One raw snappy block. */
  snappyUncompress(block: Uint8Array): Uint8Array
  snappyCompress(block: Uint8Array): Uint8Array
}
