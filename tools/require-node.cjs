// Stops with one clear sentence where Node is too old to run TypeScript tests: an old `node --test` would pass with none.
const [major, minor] = process.versions.node.split('.').map(Number)
const good = (major === 24 && minor >= 16) || (major === 26 && minor >= 1) || major > 26
if (!good) {
  process.stderr.write(
    `sightline: run with Node ${process.versions.node}: Node 24.16 or newer is needed\n` +
      'hint: `npm ci` installs it beside the project, and npm scripts then use it\n',
  )
  process.exit(1)
}
