// Hashes shortened for sentences; whole ones stand in the JSON.

/** An association with its hash shortened for a sentence. */
export function shortAssociation(association: string): string {
  const [usage, selector, matching, data = ''] = association.split(' ')
  return `${usage} ${selector} ${matching} ${data.length > 16 ? `${data.slice(0, 12)}…` : data}`
}
