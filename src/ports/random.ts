// Randomness, as the shells hand it in.

export interface Random {
  /** A whole number from 0 up to, not including, `bound`. */
  below(bound: number): number
}
