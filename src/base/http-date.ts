// The date of HTTP messages (RFC 9110 §5.6.7): whole seconds, in the one form that is generated.

/** `ms` since 1970 UTC as an IMF-fixdate such as `Sun, 06 Nov 1994 08:49:37 GMT`. */
export function httpDate(ms: number): string {
  // ECMAScript's UTC form is the IMF-fixdate for years of four digits.
  return new Date(ms).toUTCString()
}

/** Milliseconds since 1970 UTC of an IMF-fixdate; null for every other form. */
export function readHttpDate(text: string): number | null {
  const ms = Date.parse(text)
  return Number.isNaN(ms) || httpDate(ms) !== text ? null : ms
}
