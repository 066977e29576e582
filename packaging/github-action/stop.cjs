'use strict';
// The post step, after all others of the job, also of one that has failed or was cancelled.
const { spawnSync } = require('node:child_process');
const { join } = require('node:path');

const { status } = spawnSync('bash', [join(__dirname, 'stop.sh')], { stdio: 'inherit' });
process.exitCode = status ?? 1;
