import Federation
import Text

private let platformText = wrapped(
    "all (default), none, or some of "
        + TokenPlatform.usual.map(\.rawValue).joined(separator: ", ") + "; and only when named "
        + TokenPlatform.played.dropFirst(TokenPlatform.usual.count).map(\.rawValue)
        .joined(separator: ", ")
)

private let lifetimeText = TokenPlatform.usual
    .map { "\($0.rawValue) \($0.played.tokenLifetime)" }.joined(separator: ", ")

private let roleText = wrapped(
    "repeatable; roles: " + Part.all.map(\.name.rawValue).joined(separator: ", ") + "."
)

/// A text in the column of what the options mean.
private func wrapped(_ text: String) -> String {
    let width = 65
    var lines = [""]
    for word in text.split(separator: " ") {
        if lines[lines.count - 1].count + word.count >= width { lines.append("") }
        lines[lines.count - 1] += (lines[lines.count - 1].isEmpty ? "" : " ") + word
    }
    return lines.joined(separator: "\n" + String(repeating: " ", count: 27))
}

/// What `--help` prints.
let usage = """
    usage: wif-emulator [OPTION]...

    Plays the outside world of a workload without keys: the metadata services of GCP, Azure
    and AWS, AWS's STS, the token service of GitHub Actions, their issuers, and the token
    exchanges of Mondoo, ConductorOne, Bright, Google and RFC 8693. Prints the environment
    variables to reach it, then serves until SIGTERM or SIGINT.

    What is played
      --platform LIST          \(platformText)
      --claim PLATFORM.NAME=V  a claim of its tokens (JSON or text; null leaves it out)
      --token-lifetime [P=]S   seconds its tokens live (\(lifetimeText))
      --github-subject FORM    plain (default), or immutable: with the ids of owner and repository
      --azure-endpoint NAME    the one told: machine (default), app-service, arc or workload
      --arc-directory DIR      where Arc's agent puts its key files (/var/opt/azcmagent/tokens)
      --azure-token-age S      age of a resource's first token (21600)
      --azure-resource URI     a resource the tenant knows; repeatable, replaces the usual ones
      --issuer NAME=URL        the iss of gcp, azure, github or custom; self for its own URL
      --aws-credentials KIND   which way to a key is told: metadata (default), container or
                               environment
      --aws-region REGION      what the metadata service says it is in (eu-central-1)
      --aws-hop-limit N        1: the answer to a request for a token is lost, as in a container
      --scope MRN              whose credentials Mondoo hands out
      --trust JSON|FILE        whom Mondoo, ConductorOne or Bright trust, instead of
                               every identity played
      --undocumented VERDICT   accept (default) or refuse: what the services do with what their
                               pages leave open
      --credential-lifetime S  seconds a credential lives (3600)
      --certificate-lifetime S seconds until its certificate's notAfter, where that differs
      --clock-offset S         seconds its clock is ahead

    Where
      --listen [tls:]ADDRESS:PORT[=ROLE,...]
                               \(roleText)
                               What is not named gets ports of its own on 127.0.0.1
      --tls                    services (all but the metadata) speak TLS with a CA of their own
      --tls-hosts LIST         names in the certificate (localhost,127.0.0.1,::1); the first one
                               is in the URLs told
      --tls-fault FAULT        expired, wrong-host or unknown-ca
      --url ROLE=URL           the URL told for a role, where it is not the address listened on
      --directory DIR          write SERVICE.json, accounts/, environment, ca.pem, and ready last

    Trouble
      --fault JSON|FILE        a fault from the start, repeatable; see wif-emulator(1)

    At run time, on every address
      POST, GET, DELETE /_emulator/faults     add, list, remove (?id=N or all) faults
      GET, DELETE /_emulator/requests         what arrived (?path=PREFIX, ?secrets=1); forget it
      GET /_emulator/issued                   every secret handed out
      GET /_emulator/environment              the variables once more
      POST /_emulator/token                   a token: {"issuer", "claims", "lifetime"}
      GET /_emulator/token                    a token: ?issuer=NAME&audience=AUD
      POST /_emulator/rotate                  a new signing key: {"issuer"}

      -h, --help   --version

    Examples
      wif-emulator --platform gcp --directory /tmp/world &
      until [ -e /tmp/world/ready ]; do sleep 0.1; done
      . /tmp/world/environment
      wif-agent get -c /tmp/world/mondoo.json

      wif-emulator --fault '{"match":{"role":"mondoo"},"status":503,"times":2}'
      curl -d '{"match":{"role":"gcp"},"delay":2}' "$WIF_EMULATOR_URL/_emulator/faults"

    """
