// A time as Java's `Date.toString` writes it, in this machine's time zone, because the `dump` word
// prints such times: `Sun Nov 22 14:22:30 UTC 2026`.

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

export function javaDate(wallMs: number): string {
  const date = new Date(wallMs)
  const two = (value: number): string => String(value).padStart(2, '0')
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  const day = `${days[date.getDay()]} ${months[date.getMonth()]} ${two(date.getDate())}`
  return `${day} ${time} ${zoneName(date)} ${date.getFullYear()}`
}

function zoneName(date: Date): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(date)
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? 'UTC'
}
