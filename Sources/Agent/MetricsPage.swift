/// Families of samples in Prometheus' text format, version 0.0.4.
/// https://prometheus.io/docs/instrumenting/exposition_formats/
struct MetricsPage {
    typealias Labels = [String: String]

    private(set) var text = ""

    mutating func gauge(_ name: String, _ help: String, _ samples: [(Labels, Double)]) {
        family(name, "gauge", help, samples)
    }

    mutating func counter(_ name: String, _ help: String, _ samples: [(Labels, Int)]) {
        family(name, "counter", help, samples.map { ($0.0, Double($0.1)) })
    }

    mutating func histogram(_ name: String, _ help: String, _ samples: [(Labels, Histogram)]) {
        head(name, "histogram", help)
        for (labels, histogram) in samples {
            let bounds = histogram.bounds.map(number) + ["+Inf"]
            for (bound, count) in zip(bounds, histogram.cumulative) {
                let labels = labels.merging(["le": bound]) { $1 }
                line("\(name)_bucket", labels, Double(count))
            }
            line("\(name)_sum", labels, histogram.sum)
            line("\(name)_count", labels, Double(histogram.count))
        }
    }

    private mutating func family(
        _ name: String,
        _ type: String,
        _ help: String,
        _ samples: [(Labels, Double)]
    ) {
        head(name, type, help)
        for (labels, value) in samples { line(name, labels, value) }
    }

    private mutating func head(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    private mutating func line(_ name: String, _ labels: Labels, _ value: Double) {
        let pairs = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(escaped($0.value))\"" }
        let suffix = pairs.isEmpty ? "" : "{\(pairs.joined(separator: ","))}"
        text += "\(name)\(suffix) \(number(value))\n"
    }
}

/// Whole numbers without a fraction, as people write them.
private func number(_ value: Double) -> String {
    Int(exactly: value).map(String.init) ?? "\(value)"
}

private func escaped(_ value: String) -> String {
    var result = ""
    for scalar in value.unicodeScalars {
        switch scalar {
        case "\\": result += "\\\\"
        case "\"": result += "\\\""
        case "\n": result += "\\n"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}
