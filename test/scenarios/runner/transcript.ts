// The text of a scenario: comments and blank lines as they are, commands at the margin, and below
// each command, indented, what came of it. Running a scenario replaces exactly the indented lines.

export interface Step {
  /** The line number in the file, from 1. */
  readonly line: number
  /** A command; null for a comment or a blank line. */
  readonly command: string | null
  readonly text: string
}

/** The steps of a scenario. What came of them last time is left out. */
export function parseTranscript(text: string): readonly Step[] {
  const steps: Step[] = []
  text
    .replace(/\n$/, '')
    .split('\n')
    .forEach((line, index) => {
      if (line.startsWith(INDENT)) return
      const isCommand = line.trim() !== '' && !line.startsWith('#')
      steps.push({ line: index + 1, command: isCommand ? line.trim() : null, text: line.trimEnd() })
    })
  return steps
}

export const INDENT = '  '
