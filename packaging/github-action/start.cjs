'use strict';
// The main step. What the scripts cannot do without a tool of their own is done here: the JSON.
const { spawnSync } = require('node:child_process');
const { mkdtempSync, readFileSync, writeFileSync } = require('node:fs');
const { basename, join, resolve } = require('node:path');

const { env } = process;
// What an input holds goes into lines of the runner's files and into messages: one line each, then.
function input(name) {
    const value = (env[`INPUT_${name.toUpperCase()}`] ?? '').trim();
    if (/[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(value)) {
        console.log(`::error::the input ${name} has a line break or another control character`);
        process.exit(1);
    }
    return value;
}

// An account that says nothing of revocation has its credential revoked at the end.
function prepared(file, directory, revokes) {
    let account;
    try {
        account = JSON.parse(readFileSync(file, 'utf8'));
    } catch {
        return file; // wif-agent says better what is wrong with it.
    }
    const isObject = account !== null && typeof account === 'object' && !Array.isArray(account);
    const isTold = isObject && ('revokeOnExit' in account || 'revoke_on_exit' in account);
    if (!isObject || isTold || !revokes) return file;
    const copy = join(directory, basename(file));
    writeFileSync(copy, JSON.stringify({ ...account, revokeOnExit: true }), { mode: 0o600 });
    return copy;
}

const given = {
    VERSION: input('version'),
    URL: input('url'),
    SHA256: input('sha256'),
    TIMEOUT: input('timeout'),
};
const account = resolve(env.GITHUB_WORKSPACE, input('account'));
const revokes = input('revoke') === 'true';
const directory = mkdtempSync(join(env.RUNNER_TEMP, 'wif-agent-'));
writeFileSync(env.GITHUB_STATE, `directory=${directory}\n`, { flag: 'a' });
const { status } = spawnSync('bash', [join(__dirname, 'start.sh')], {
    stdio: 'inherit',
    env: {
        ...env,
        ...given,
        DIRECTORY: directory,
        ACCOUNT: prepared(account, directory, revokes),
    },
});
process.exitCode = status ?? 1;
