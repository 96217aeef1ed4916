// What one configuration key is: its name, the values it takes, what it means when absent, why one
// would set it, and how far it is honoured. The parser, the warnings and the reference page all read
// these records; none of them knows a key by name.

/** How far a key is honoured. */
export type Support =
  /** It does what it does in ZooKeeper. */
  | 'honoured'
  /** It does that in an ensemble; a server that stands alone passes over it, as ZooKeeper's does. */
  | 'ensemble'
  /** The same, but in an ensemble a value other than the default earns a warning so far. */
  | 'ensemble-later'
  /** The same, but in an ensemble a value other than the default refuses the start so far. */
  | 'ensemble-refused'
  /** Accepted; a value other than the default earns a warning that it does nothing yet. */
  | 'later'
  /** It tunes machinery that Zabra does not have; accepted in silence. */
  | 'no-effect'
  /** Not there yet, and passing over it would be unsafe: a value other than the default refuses the start. */
  | 'refused'

/** How often it is met: every deployment, common, rare. */
export type Priority = 'P1' | 'P2' | 'P3'

/** What a text turned out to be: a value, perhaps with a remark; or why it is none. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T; readonly remark: string | null }
  | { readonly ok: false; readonly problem: string }

export interface ConfigKey<T = unknown> {
  readonly name: string
  /** The name is the beginning of a family, such as `server.`. */
  readonly family: boolean
  /** Names under which manuals list it although ZooKeeper itself does not read them there. */
  readonly aliases: readonly string[]
  /** For people: `integer`, `true or false`, `path` … */
  readonly type: string
  readonly unit: string
  /** For people: `1..65535`, `gz, snappy or nothing`; empty where anything goes. */
  readonly range: string
  readonly default: T
  /** The default in words, where it depends on other keys or is not a plain value. */
  readonly defaultText: string
  readonly reason: string
  readonly priority: Priority
  readonly support: Support
  /** ZooKeeper reads it from the command line (`-D`) only. */
  readonly outsideFile: boolean
  parse(text: string): Parsed<T>
}

interface Common {
  readonly reason: string
  readonly priority: Priority
  readonly support: Support
  readonly aliases?: readonly string[]
  readonly defaultText?: string
  readonly outsideFile?: boolean
  readonly family?: boolean
}

interface IntegerOptions extends Common {
  readonly unit?: string
  readonly min?: number
  readonly max?: number
  /** Smaller values are raised to this one, with a remark, as ZooKeeper does. */
  readonly raiseTo?: number
  /** Also `0x1f`, `#1f` and `037`, as Java's `Integer.decode`. */
  readonly anyRadix?: boolean
  /** Begins the complaint about a number out of range. */
  readonly wording?: string
}

const INT_MIN = -(2 ** 31)
const INT_MAX = 2 ** 31 - 1

export function integer(
  name: string,
  defaultValue: number,
  options: IntegerOptions,
): ConfigKey<number> {
  const min = options.min ?? INT_MIN
  const max = options.max ?? INT_MAX
  const unit = options.unit ?? ''
  const range = rangeText(min, max)
  const within = [range, unit === '' ? '' : `(${unit})`].filter((part) => part !== '')
  const allowed = ['allowed: a whole number', ...within].join(' ')
  return {
    ...common(name, 'integer', String(defaultValue), options),
    unit,
    range,
    default: defaultValue,
    parse(text) {
      const value = options.anyRadix === true ? decodeInteger(text) : decimalInteger(text)
      if (value === null) {
        return problem(`NumberFormatException: For input string: "${text}"; ${allowed}`)
      }
      if (value < min || value > max)
        return problem(`${options.wording ?? `${value} is out of range`}; ${allowed}`)
      if (options.raiseTo !== undefined && value < options.raiseTo) {
        return parsed(options.raiseTo, `${value} is too small; ${options.raiseTo} is used`)
      }
      return parsed(value)
    },
  }
}

export function ratio(name: string, defaultValue: number, options: Common): ConfigKey<number> {
  return {
    ...common(name, 'number', String(defaultValue), options),
    unit: '',
    range: '',
    default: defaultValue,
    parse(text) {
      const value = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN
      if (Number.isFinite(value)) return parsed(value)
      return problem(
        `NumberFormatException: For input string: "${text}"; allowed: a number like 0.5`,
      )
    },
  }
}

/** `true` or `false`, in any case; nothing else. */
export function flag(name: string, defaultValue: boolean, options: Common): ConfigKey<boolean> {
  return {
    ...common(name, 'true or false', String(defaultValue), options),
    unit: '',
    range: 'true, false',
    default: defaultValue,
    parse(text) {
      const value = text.toLowerCase()
      if (value === 'true' || value === 'false') return parsed(value === 'true')
      return problem(`Invalid option ${text} for ${name}. Choose 'true' or 'false.'`)
    },
  }
}

/** `yes` or `no`. */
export function consent(name: string, defaultValue: boolean, options: Common): ConfigKey<boolean> {
  return {
    ...common(name, 'yes or no', defaultValue ? 'yes' : 'no', options),
    unit: '',
    range: 'yes, no',
    default: defaultValue,
    parse(text) {
      if (text === 'yes' || text === 'no') return parsed(text === 'yes')
      return problem(`Invalid option ${text} for ${name}. Choose 'yes' or 'no'.`)
    },
  }
}

/** One of a few words; `wording` begins the complaint about any other. */
export function choice<T extends string>(
  name: string,
  values: readonly T[],
  defaultValue: T,
  options: Common & { readonly wording?: string; readonly anyCase?: boolean },
): ConfigKey<T> {
  const range = values.map((value) => (value === '' ? 'nothing' : value)).join(', ')
  return {
    ...common(name, 'one of', defaultValue, options),
    unit: '',
    range,
    default: defaultValue,
    parse(text) {
      const wanted = options.anyCase === true ? text.toLowerCase() : text
      const value = values.find((each) => each === wanted)
      if (value !== undefined) return parsed(value)
      return problem(`${options.wording ?? 'Invalid value'}: ${text}; allowed: ${range}`)
    },
  }
}

/** Any text; null where absent or empty. */
export function text(name: string, options: Common): ConfigKey<string | null> {
  return textOf(name, 'text', options)
}

export function path(name: string, options: Common): ConfigKey<string | null> {
  return textOf(name, 'path', options)
}

/** All keys that begin with `name`; their values are kept as they are. */
export function family(name: string, options: Common): ConfigKey<string | null> {
  return textOf(name, 'text', { ...options, family: true })
}

function textOf(name: string, type: string, options: Common): ConfigKey<string | null> {
  return {
    ...common(name, type, '', options),
    unit: '',
    range: '',
    default: null,
    parse: (value) => parsed(value === '' ? null : value),
  }
}

function common(name: string, type: string, defaultText: string, options: Common) {
  return {
    name,
    family: options.family ?? false,
    aliases: options.aliases ?? [],
    type,
    defaultText: options.defaultText ?? defaultText,
    reason: options.reason,
    priority: options.priority,
    support: options.support,
    outsideFile: options.outsideFile ?? false,
  }
}

function rangeText(min: number, max: number): string {
  if (min === INT_MIN && max === INT_MAX) return ''
  return `${min}..${max}`
}

/** Java's `Integer.parseInt`. */
function decimalInteger(text: string): number | null {
  if (!/^[+-]?\d+$/.test(text)) return null
  return withinInt(Number(text))
}

/** Java's `Integer.decode`. */
function decodeInteger(text: string): number | null {
  const match = /^([+-]?)(?:0[xX]([0-9a-fA-F]+)|#([0-9a-fA-F]+)|0([0-7]+)|(\d+))$/.exec(text)
  if (match === null) return null
  const [, sign, hexadecimal, hash, octal, decimal] = match
  const digits = hexadecimal ?? hash ?? octal ?? decimal ?? ''
  const radix = decimal === undefined ? (octal === undefined ? 16 : 8) : 10
  return withinInt(Number.parseInt(digits, radix) * (sign === '-' ? -1 : 1))
}

function withinInt(value: number): number | null {
  return value >= INT_MIN && value <= INT_MAX ? value : null
}

function parsed<T>(value: T, remark: string | null = null): Parsed<T> {
  return { ok: true, value, remark }
}

function problem(text: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem: text }
}
