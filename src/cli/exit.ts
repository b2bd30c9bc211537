// What the program's exit status says: one number for each outcome, the same for every command.

/** Exit statuses. They are API: scripts rely on them. */
export const exitCodes = {
  corroborated: 0,
  contradicted: 1,
  usage: 2,
  inconclusive: 3,
  unverifiable: 4,
  failed: 5,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** The status of several judgements at once: that of the one that a person must see first. */
export function worst(codes: readonly ExitCode[]): ExitCode {
  const bySeverity: readonly ExitCode[] = [
    exitCodes.contradicted,
    exitCodes.failed,
    exitCodes.usage,
    exitCodes.inconclusive,
    exitCodes.unverifiable,
  ]
  return bySeverity.find((code) => codes.includes(code)) ?? exitCodes.corroborated
}
