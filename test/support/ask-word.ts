// Sends a four-letter word as people do, and takes the answer until the server closes.

import { connect } from 'node:net'

export function askWord(
  port: number,
  word: string | Uint8Array,
  { host = '127.0.0.1', timeoutMs = 5_000 } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect({ port, host }, () => socket.write(word))
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer to ${String(word)}`)))
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    socket.once('close', () => resolve(text))
    socket.once('error', reject)
  })
}
