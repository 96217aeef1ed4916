// IP addresses as text, and the networks (`address/bits`) that access lists name. IPv6 is read as
// ZooKeeper 3.9.4 reads it: `::` once, no zone, no embedded IPv4.

/** The 4 or 16 bytes of an address; null where the text is none. */
export function parseIpAddress(text: string): Uint8Array | null {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

export interface IpNetwork {
  readonly address: Uint8Array
  readonly bits: number
}

/** `address` or `address/bits`; null where the text is neither. */
export function parseIpNetwork(text: string): IpNetwork | null {
  const parts = text.split('/')
  if (parts.length > 2) return null
  const address = parseIpAddress(parts[0]!)
  if (address === null) return null
  const bitsMax = address.length * 8
  if (parts[1] === undefined) return { address, bits: bitsMax }
  if (!/^\d{1,3}$/.test(parts[1])) return null
  const bits = Number(parts[1])
  return bits <= bitsMax ? { address, bits } : null
}

/** Families never match each other. */
export function isInNetwork(address: Uint8Array, network: IpNetwork): boolean {
  if (address.length !== network.address.length) return false
  for (let bit = 0; bit < network.bits; bit += 8) {
    const left = network.bits - bit
    const mask = left >= 8 ? 0xff : (0xff << (8 - left)) & 0xff
    if (((address[bit >> 3]! ^ network.address[bit >> 3]!) & mask) !== 0) return false
  }
  return true
}

function parseIpv4(text: string): Uint8Array | null {
  const parts = text.split('.')
  if (parts.length !== 4) return null
  const address = new Uint8Array(4)
  for (let i = 0; i < 4; i++) {
    if (!/^\d{1,3}$/.test(parts[i]!)) return null
    const value = Number(parts[i])
    if (value > 255) return null
    address[i] = value
  }
  return address
}

function parseIpv6(text: string): Uint8Array | null {
  const halves = text.split('::')
  if (halves.length > 2) return null
  const head = groupsOf(halves[0]!)
  const tail = halves.length === 2 ? groupsOf(halves[1]!) : []
  if (head === null || tail === null) return null
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail]
  const address = new Uint8Array(16)
  for (let i = 0; i < 8; i++) {
    address[2 * i] = groups[i]! >>> 8
    address[2 * i + 1] = groups[i]! & 0xff
  }
  return address
}

function groupsOf(text: string): number[] | null {
  if (text === '') return []
  const groups: number[] = []
  for (const part of text.split(':')) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return null
    groups.push(Number.parseInt(part, 16))
  }
  return groups
}
