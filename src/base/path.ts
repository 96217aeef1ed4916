// The rules of a znode path (ZooKeeper 3.9 `PathUtils.validatePath`), examined as UTF-16 units.

/** Says what is wrong with `path`, or null where nothing is. */
export function pathProblem(path: string): string | null {
  if (path.length === 0) return 'path is empty'
  if (path.charCodeAt(0) !== SLASH) return 'path must start with /'
  if (path.length === 1) return null
  if (path.charCodeAt(path.length - 1) === SLASH) return 'path must not end with /'
  let componentStart = 1
  for (let i = 1; i <= path.length; i++) {
    const unit = i === path.length ? SLASH : path.charCodeAt(i)
    if (unit === SLASH) {
      if (i === componentStart) return `empty component at character ${i}`
      if (isRelative(path, componentStart, i)) return `relative component at character ${i}`
      componentStart = i + 1
    } else if (isForbidden(unit)) {
      return `character U+${unit.toString(16).toUpperCase().padStart(4, '0')} at ${i} is not allowed`
    }
  }
  return null
}

/** The parent of a valid path; `/` for a top-level node. */
export function parentPath(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}

/** The last component of a path. */
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** Ten digits as `String.format("%010d")` prints them: a sign counts as one of the ten columns. */
export function sequenceSuffix(counter: number): string {
  return counter < 0 ? `-${String(-counter).padStart(9, '0')}` : String(counter).padStart(10, '0')
}

const SLASH = 0x2f
const DOT = 0x2e

function isRelative(path: string, start: number, end: number): boolean {
  const length = end - start
  if (length > 2) return false
  for (let i = start; i < end; i++) if (path.charCodeAt(i) !== DOT) return false
  return true
}

function isForbidden(unit: number): boolean {
  if (unit > 0x9f && unit < 0xd800) return false
  if (unit > 0x1f && unit < 0x7f) return false
  return unit <= 0x9f || (unit >= 0xd800 && unit <= 0xf8ff) || unit >= 0xfff0
}
