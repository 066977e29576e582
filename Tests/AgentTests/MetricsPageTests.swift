import Testing

@testable import Agent

@Suite struct `A page of metrics` {
    @Test func `counts a duration in its bucket and in all above`() {
        var histogram = Histogram.deliveries
        for seconds in [0.0005, 0.001, 0.02, 3, 60] { histogram.observe(seconds) }
        #expect(histogram.cumulative == [2, 2, 3, 3, 3, 3, 4, 5])
        #expect(histogram.count == 5)
        #expect(abs(histogram.sum - 63.0215) < 1e-9)
    }

    @Test func `writes a histogram as Prometheus reads it`() {
        var page = MetricsPage()
        var histogram = Histogram.deliveries
        histogram.observe(0.25)
        page.histogram("d_seconds", "Durations.", [(["account": "m"], histogram)])
        let lines = page.text.split(separator: "\n")
        #expect(lines.first == "# HELP d_seconds Durations.")
        #expect(lines.contains("# TYPE d_seconds histogram"))
        #expect(lines.contains(#"d_seconds_bucket{account="m",le="0.1"} 0"#))
        #expect(lines.contains(#"d_seconds_bucket{account="m",le="0.5"} 1"#))
        #expect(lines.contains(#"d_seconds_bucket{account="m",le="+Inf"} 1"#))
        #expect(lines.contains(#"d_seconds_sum{account="m"} 0.25"#))
        #expect(lines.last == #"d_seconds_count{account="m"} 1"#)
    }

    static let values: [(String, String)] = [
        ("/run/a", "/run/a"), (#"a"b"#, #"a\"b"#), (#"a\b"#, #"a\\b"#), ("a\nb", #"a\nb"#),
    ]

    @Test(arguments: values)
    func `escapes a label's value`(value: String, shown: String) {
        var page = MetricsPage()
        page.counter("c_total", "Counts.", [(["path": value], 7)])
        #expect(page.text.hasSuffix("c_total{path=\"\(shown)\"} 7\n"))
    }
}
