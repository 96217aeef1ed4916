// Views on arrays of bytes, through which four of them are read at once. Making one costs as much as
// some fifty bytes do, and who reads so mostly looks at the same array many times in a row: the last
// one is remembered. Users have one of these each, so that they do not take it from one another.

export class LastView {
  #bytes: Uint8Array = new Uint8Array(0)
  #view: DataView = new DataView(this.#bytes.buffer)

  of(bytes: Uint8Array): DataView {
    if (bytes !== this.#bytes) {
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      this.#bytes = bytes
    }
    return this.#view
  }
}
