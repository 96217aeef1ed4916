// A number as Java prints a double that was rounded to four decimals: always with a decimal point.

export function javaDouble(value: number): string {
  const rounded = Math.round(value * 10_000) / 10_000
  return Number.isInteger(rounded) ? `${rounded}.0` : String(rounded)
}
