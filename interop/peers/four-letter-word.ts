/** Sends a four-letter word and collects the text until the server closes the connection. */
import { connect } from 'node:net'

export function fourLetterWord(port: number, word: string, timeoutMs = 5_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect({ port, host: '127.0.0.1' })
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer to ${word}`)))
    socket.once('connect', () => socket.write(word))
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.once('error', reject)
    socket.once('close', () => resolve(Buffer.concat(chunks).toString('utf8')))
  })
}
