// What we use of `snappyjs`, which comes without types.

declare module 'snappyjs' {
  const snappy: {
    compress(bytes: Uint8Array): Uint8Array
    /** Throws where the bytes are no snappy block. */
    uncompress(bytes: Uint8Array): Uint8Array
  }
  export default snappy
}
