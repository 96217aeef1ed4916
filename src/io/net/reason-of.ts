// Why a connection came to nothing, in words for people.

export function reasonOf(error: unknown): string {
  // One attempt for each address of a name: Node gathers their failures.
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.map(reasonOf).join('; ')
  }
  const { message, code, name } = error as NodeJS.ErrnoException
  return message === '' ? (code ?? name) : message
}
