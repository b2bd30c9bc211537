#!/usr/bin/env node
'use strict'
// Starts Sightline with a Node that can run it. Plain old JavaScript: this file alone must run on any Node.

var childProcess = require('node:child_process')
var fs = require('node:fs')
var os = require('node:os')
var path = require('node:path')
var url = require('node:url')

var root = path.join(__dirname, '..')
var built = path.join(root, 'dist', 'cli', 'main.js')
var source = path.join(root, 'src', 'cli', 'main.ts')
// An installed package holds its sources too, but Node runs TypeScript only outside node_modules.
var installed = root.split(path.sep).indexOf('node_modules') >= 0
var main = installed || !fs.existsSync(source) ? built : source

/** True when a Node of this version has what Sightline needs: `engines` in package.json. */
function isGood(version) {
  var parts = version.split('.').map(Number)
  return (parts[0] === 24 && parts[1] >= 16) || (parts[0] === 26 && parts[1] >= 1) || parts[0] > 26
}

/** The Node that is pinned beside the project, or null. */
function pinnedNode() {
  var file = os.platform() === 'win32' ? 'node.exe' : 'node'
  try {
    var name = 'node-' + (os.platform() === 'win32' ? 'win' : os.platform()) + '-' + os.arch()
    var manifest = require.resolve(name + '/package.json', { paths: [root] })
    var found = path.join(path.dirname(manifest), 'bin', file)
    return fs.existsSync(found) ? found : null
  } catch {
    return null
  }
}

/** Runs Sightline under `node` as if it were this process: same streams, same signals, same end. */
function runUnder(node) {
  var child = childProcess.spawn(node, [main].concat(process.argv.slice(2)), { stdio: 'inherit' })
  var signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']
  // A terminal sends these to its whole group; passing them on would make two signals of one.
  var byTerminal = process.stdin.isTTY ? ['SIGINT', 'SIGHUP', 'SIGQUIT'] : []
  signals.forEach(function (signal) {
    process.on(signal, function () {
      if (byTerminal.indexOf(signal) < 0) child.kill(signal)
    })
  })
  child.on('error', function (error) {
    fail('start "' + node + '": ' + error.message, null)
  })
  child.on('exit', function (code, signal) {
    if (signal === null) process.exit(code)
    signals.forEach(function (name) {
      process.removeAllListeners(name)
    })
    process.kill(process.pid, signal)
  })
}

function fail(what, hint) {
  process.stderr.write('sightline: ' + what + '\n' + (hint === null ? '' : 'hint: ' + hint + '\n'))
  process.exit(5)
}

if (isGood(process.versions.node)) {
  import(url.pathToFileURL(main).href).catch(function (error) {
    fail('start "' + main + '": ' + error.message, null)
  })
} else {
  var pinned = pinnedNode()
  if (pinned === null)
    fail(
      'run with Node ' + process.versions.node + ': Node 24.16 or newer is needed',
      'install it, or run npm ci in "' + root + '", which puts one beside the project',
    )
  else runUnder(pinned)
}
