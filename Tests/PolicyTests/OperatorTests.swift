import Federation
import Policy
import Testing
import Text

@Suite struct Operators {
    static let arithmetic: [Row] = [
        Row("1 + 2 * 3 - 4", "3"), Row("(1 + 2) * 3", "9"), Row("7 / 2", "3"), Row("-7 / 2", "-3"),
        Row("-7 % 3", "-1"), Row("7u % 4u", "3u"), Row("2.0 / 4.0", "0.5"), Row("1.0 / 0.0", "inf"),
        Row("'a' + 'b'", "\"ab\""), Row("b'a' + b'b'", #"b"\x61\x62""#), Row("[1] + [2]", "[1, 2]"),
        Row("-(-3)", "3"), Row("-(1.5)", "-1.5"), Row("2 - 1 - 1", "0"), Row("8 / 2 / 2", "2"),
        Row("9223372036854775807 + 1", "error: an integer overflows"),
        Row("-9223372036854775808 - 1", "error: an integer overflows"),
        Row("9223372036854775807 * 2", "error: an integer overflows"),
        Row("-9223372036854775808 / -1", "error: an integer overflows"),
        Row("-9223372036854775808 % -1", "error: an integer overflows"),
        Row("-(-9223372036854775808)", "error: an integer overflows"),
        Row("18446744073709551615u + 1u", "error: an integer overflows"),
        Row("0u - 1u", "error: an integer overflows"),
        Row("1 / 0", "error: a division by zero"), Row("1 % 0", "error: a modulus of zero"),
        Row("1u / 0u", "error: a division by zero"),
        Row("1 + 1u", "error: + does not apply to int, uint"),
        Row("1 + 1.0", "error: + does not apply to int, double"),
        Row("1.5 % 1.0", "error: % does not apply to double, double"),
        Row("'a' + 1", "error: + does not apply to string, int"),
        Row("'a' - 'a'", "error: - does not apply to string, string"),
        Row("-'a'", "error: - does not apply to string"),
        Row("-1u", "error: - does not apply to uint"),
        Row("true + true", "error: + does not apply to bool, bool"),
    ]

    static let comparison: [Row] = [
        Row("1 == 1.0", "true"), Row("1 == 1u", "true"), Row("1u == 1.0", "true"),
        Row("-1 == 1u", "false"),
        Row("1 != 1.5", "true"), Row("1 == '1'", "false"), Row("1 != '1'", "true"),
        Row("null == false", "false"),
        Row("null == null", "true"), Row("0.0 / 0.0 == 0.0 / 0.0", "false"),
        Row("0.0 == -0.0", "true"),
        Row("9007199254740993 == 9007199254740992.0", "true"),
        Row("9007199254740992 == 9007199254740992.0", "true"),
        Row("9223372036854775807 < 9223372036854775808.0", "false"),
        Row("9223372036854775807 < 9223372036854777857.0", "true"),
        Row("18446744073709551615u < 18446744073709551616.0", "false"),
        Row("18446744073709551615u < 18446744073709555712.0", "true"),
        Row("-9223372036854775808 == -9223372036854775808.0", "true"),
        Row("1 < 1.5", "true"), Row("2 > 1.5", "true"), Row("-1 > -1.5", "true"),
        Row("1u > -1", "true"), Row("1 <= 1u", "true"),
        Row("0.0/0.0 < 1", "false"), Row("0.0/0.0 >= 1", "false"),
        Row("1.0/0.0 > 9223372036854775807", "true"),
        Row("'a' < 'b'", "true"), Row("'a' < 'B'", "false"), Row("'' < 'a'", "true"),
        Row("'é' > 'z'", "true"),
        Row("'\\uffff' < '\\U00010000'", "true"),
        Row("b'a' < b'b'", "true"), Row("false < true", "true"), Row("true <= false", "false"),
        Row("'e\\u0301' == '\\u00e9'", "false"), Row("size('e\\u0301')", "2"),
        Row("size('😀')", "1"),
        Row("[1, 2] == [1.0, 2u]", "true"), Row("[1] == [1, 2]", "false"), Row("[] == {}", "false"),
        Row("{'a': 1, 'b': 2} == {'b': 2.0, 'a': 1}", "true"), Row("{1: 'a'} == {1u: 'a'}", "true"),
        Row("{'a': 1} == {'a': 2}", "false"), Row("type(1) == int", "true"),
        Row("type(1) == type(1u)", "false"),
        Row("1 < 'a'", "error: < does not apply to int, string"),
        Row("[1] < [2]", "error: < does not apply to list, list"),
        Row("null < null", "error: < does not apply to null_type, null_type"),
        Row("1 in [1.0]", "true"), Row("'a' in ['b']", "false"), Row("'a' in {'a': 1}", "true"),
        Row("1.0 in {1: 2}", "true"),
        Row("1.5 in {1: 2}", "false"),
        Row("'a' in 'abc'", "error: in does not apply to string, string"),
        Row("[] in [[]]", "true"),
    ]

    static let logic: [Row] = [
        Row("true && false", "false"), Row("true || false", "true"), Row("!true", "false"),
        Row("!!true", "true"),
        Row("1 / 0 == 1 && false", "false"), Row("false && 1 / 0 == 1", "false"),
        Row("1 / 0 == 1 || true", "true"), Row("true || 1 / 0 == 1", "true"),
        Row("1 / 0 == 1 && true", "error: a division by zero"),
        Row("false || 1 / 0 == 1", "error: a division by zero"),
        Row("'a' && false", "false"), Row("'a' || true", "true"),
        Row("1 && true", "error: && does not apply to int"),
        Row("true && 1", "error: && does not apply to int"),
        Row("!1", "error: ! does not apply to int"),
        Row("claims.x || claims.y || true", "true"),
        Row("true && true && claims.x == 1", "error: no such key: x"),
        Row("true ? 1 : 1 / 0", "1"), Row("false ? 1 / 0 : 2", "2"),
        Row("1 / 0 == 1 ? 1 : 2", "error: a division by zero"),
        Row("'a' ? 1 : 2", "error: ? : does not apply to string"),
        Row("false ? 1 : true ? 2 : 3", "2"),
        Row("true || false && false", "true"), Row("1 < 2 == true", "true"),
    ]

    static let functions: [Row] = [
        Row("'abc'.contains('bc')", "true"), Row("'abc'.contains('')", "true"),
        Row("'aaab'.contains('aab')", "true"),
        Row("'ababac'.contains('abac')", "true"), Row("'abc'.contains('cb')", "false"),
        Row("'abc'.startsWith('ab')", "true"), Row("'abc'.startsWith('abcd')", "false"),
        Row("'abc'.endsWith('bc')", "true"),
        Row("'abc'.endsWith('ab')", "false"), Row("'abc'.matches('b')", "true"),
        Row("matches('abc', '^b')", "false"),
        Row("1.0.startsWith('a')", "error: startsWith() does not apply to double, string"),
        Row("'a'.contains(1)", "error: contains() does not apply to string, int"),
        Row("size('')", "0"), Row("'abc'.size()", "3"), Row("size(b'\\xff')", "1"),
        Row("size([1, 2])", "2"), Row("{'a': 1}.size()", "1"),
        Row("size(1)", "error: size() does not apply to int"),
        Row("[1, 2][1]", "2"), Row("[1, 2][1u]", "2"), Row("[1, 2][1.0]", "2"),
        Row("[1][1]", "error: the index 1 is outside a list of 1"),
        Row("[1][-1]", "error: the index -1 is outside a list of 1"),
        Row("[1]['a']", "error: [ ] does not apply to list, string"),
        Row("{'a': 1}['a']", "1"), Row("{'a': 1}.a", "1"),
        Row("{'a': 1}.b", "error: no such key: b"), Row("{1: 2}[1.0]", "2"),
        Row("'a'.b", "error: a string has no fields (.b)"),
        Row("null.b", "error: a null_type has no fields (.b)"),
        Row("{'a': 1, 'a': 2}", "error: a map has the key \"a\" twice"),
        Row("{1: 1, 1u: 2}", "error: a map has the key 1u twice"),
        Row("{1.5: 1}", "error: a double can be no key of a map"),
    ]

    static let macros: [Row] = [
        Row("has({'a': null}.a)", "true"), Row("has({'a': 1}.b)", "false"),
        Row("has({'a': 1}.b.c)", "error: no such key: b"),
        Row("has('a'.b)", "error: has() looks for a field in something that has none"),
        Row("[1, 2].all(x, x > 0)", "true"), Row("[1, 2].all(x, x > 1)", "false"),
        Row("[].all(x, false)", "true"),
        Row("[1, 'a'].all(x, x > 5)", "false"),
        Row("['a', 1].all(x, x > 0)", "error: > does not apply to string, int"),
        Row("[1, 2].exists(x, x == 2)", "true"), Row("['a', 2].exists(x, x > 1)", "true"),
        Row("[].exists(x, true)", "false"),
        Row("['a', 0].exists(x, x > 1)", "error: > does not apply to string, int"),
        Row("[1, 2, 2].exists_one(x, x == 2)", "false"),
        Row("[1, 2].exists_one(x, x == 2)", "true"),
        Row("['a', 2].exists_one(x, x > 1)", "error: > does not apply to string, int"),
        Row("[1, 2, 3].filter(x, x > 1)", "[2, 3]"), Row("[1, 2].map(x, x * 2)", "[2, 4]"),
        Row("[1, 2, 3].map(x, x > 1, x * 2)", "[4, 6]"),
        Row("{'a': 1, 'b': 2}.map(k, k)", "[\"a\", \"b\"]"),
        Row("{'a': 1}.all(k, k == 'a')", "true"),
        Row("[[1], [2]].exists(x, x.exists(y, y == 2))", "true"),
        Row("[1].map(x, [2].map(x, x))", "[[2]]"),
        Row("'abc'.all(x, true)", "error: all() does not apply to string"),
        Row("[1].map(claims, claims + 1)", "[2]"),
        Row("[1].filter(x, x)", "error: filter() does not apply to int"),
    ]

    @Test(arguments: arithmetic + comparison + logic + functions + macros)
    func `give what CEL says`(row: Row) {
        #expect(result(of: row.source) == row.expected)
    }

    static let conversions: [Row] = [
        Row("int(1.9)", "1"), Row("int(-7.9)", "-7"), Row("int('987')", "987"),
        Row("int('-5')", "-5"), Row("int(42u)", "42"),
        Row("int(18446744073709551615u)", "error"), Row("int(1e99)", "error"),
        Row("int(9223372036854775808.0)", "error"),
        Row("int(-9223372036854775808.0)", "error"), Row("int('1.5')", "error: \"1.5\" is no int"),
        Row("int(' 1')", "error"), Row("int(true)", "error"),
        Row("int(0.0/0.0)", "error"), Row("int(timestamp('2004-09-16T23:59:59Z'))", "1095379199"),
        Row("uint(-1)", "error"), Row("uint(25.5)", "25u"),
        Row("uint(1e19)", "10000000000000000000u"), Row("uint(6.022e23)", "error"),
        Row("uint('300')", "300u"),
        Row("uint(-0.5)", "error"),
        Row("double(1)", "1.0"), Row("double('6.02214e23')", "6.02214e+23"),
        Row("double('x')", "error"), Row("double(9223372036854775807)", "9.223372036854776e+18"),
        Row("string(123)", "\"123\""), Row("string(-4.5e-3)", "\"-0.0045\""),
        Row("string(1.0)", "\"1\""), Row("string(123.456)", "\"123.456\""),
        Row("string(123456789.0)", "\"1.23456789e+08\""), Row("string(1e6)", "\"1e+06\""),
        Row("string(100000.0)", "\"100000\""), Row("string(0.00001)", "\"1e-05\""),
        Row("string(0.0)", "\"0\""), Row("string(0.5)", "\"0.5\""), Row("string(true)", "\"true\""),
        Row("string(1u)", "\"1\""), Row("string(b'abc')", "\"abc\""),
        Row(#"string(b'\000\xff')"#, "error: bytes are not UTF-8"),
        Row("string([1])", "error: string() does not apply to list"),
        Row("bytes('ÿ')", #"b"\xc3\xbf""#), Row(#"bytes('\377') == b'\377'"#, "false"),
        Row("bool('true')", "true"), Row("bool('FALSE')", "false"), Row("bool('yes')", "error"),
        Row("dyn(1)", "1"), Row("type(dyn([1, 'one']))", "list"), Row("type(type(1))", "type"),
        Row("type(int)", "type"), Row("type({})", "map"),
        Row("timestamp('2024-02-29T12:00:00.5+02:00')", "timestamp(\"2024-02-29T10:00:00.5Z\")"),
        Row("timestamp('2023-02-29T00:00:00Z')", "error"),
        Row("timestamp('10000-01-01T00:00:00Z')", "error"),
        Row("timestamp('0001-01-01T00:00:00+01:00')", "error"),
        Row("timestamp(0)", "timestamp(\"1970-01-01T00:00:00Z\")"),
        Row("timestamp('1969-12-31T23:59:59.9Z') < timestamp(0)", "true"),
        Row("timestamp(253402300799) + duration('1s')", "error"),
        Row("timestamp(100) - timestamp(40)", "duration(\"60s\")"),
        Row("timestamp(100) - duration('1m')", "timestamp(\"1970-01-01T00:00:40Z\")"),
        Row("duration('1h30m') == duration('90m')", "true"),
        Row("duration('-1.5s')", "duration(\"-1.5s\")"),
        Row("duration('1ms2us3ns')", "duration(\"0.001002003s\")"),
        Row("duration('1')", "error"), Row("duration('')", "error"),
        Row("duration('0')", "duration(\"0s\")"), Row("duration('3000000h')", "error"),
        Row("duration('2562047h') + duration('2562047h')", "error"),
        Row("duration('1h') + duration('1s')", "duration(\"3601s\")"),
        Row("timestamp('2024-03-10T14:15:16.789Z').getFullYear()", "2024"),
        Row("timestamp('2024-03-10T14:15:16Z').getMonth()", "2"),
        Row("timestamp('2024-03-10T14:15:16Z').getDate()", "10"),
        Row("timestamp('2024-03-10T14:15:16Z').getDayOfMonth()", "9"),
        Row("timestamp('2024-03-10T14:15:16Z').getDayOfWeek()", "0"),
        Row("timestamp('2024-03-10T14:15:16Z').getDayOfYear()", "69"),
        Row("timestamp('2024-03-10T23:15:16Z').getHours('+02:00')", "1"),
        Row("timestamp('2024-03-10T23:15:16.789Z').getMilliseconds()", "789"),
        Row("timestamp(0).getHours('Europe/Berlin')", "error"),
        Row("duration('90m').getHours()", "1"), Row("duration('90m').getMinutes()", "90"),
        Row("'a'.getHours()", "error: getHours() does not apply to string"),
    ]

    @Test(arguments: conversions)
    func `convert as CEL's standard functions do`(row: Row) {
        let actual = result(of: row.source)
        #expect(fits(actual, row.expected), "\(actual)")
    }
}

@Suite struct `Claims in conditions` {
    static let claims: JSON = [
        "sub": "repo:acme/web:ref:refs/heads/main", "aud": ["a", "b"], "run": 7,
        "score": .number(0.95), "big": .number(1e30),
        "flag": true, "nothing": .null,
        "https://sts.amazonaws.com/": ["aws_account": "123456789012"],
        "kubernetes.io": ["namespace": "default"], "groups": ["dev", "ops"], "é": "composed",
    ]

    static let rows: [Row] = [
        Row("claims.sub.startsWith('repo:acme/web:')", "true"),
        Row("claims['sub'] == claims.sub", "true"),
        Row("claims[\"https://sts.amazonaws.com/\"].aws_account == '123456789012'", "true"),
        Row("claims['kubernetes.io'].namespace", "\"default\""),
        Row("'ops' in claims.groups", "true"), Row("'a' in claims.aud", "true"),
        Row("claims.aud[1]", "\"b\""), Row("claims.groups.exists(g, g.startsWith('de'))", "true"),
        Row("claims.run == 7 && claims.run == 7.0 && claims.run == 7u", "true"),
        Row("claims.run == '7'", "false"), Row("claims.score == 0.95", "true"),
        Row("claims.big > 9223372036854775807", "true"), Row("claims.flag", "true"),
        Row("claims.nothing == null", "true"), Row("has(claims.nothing)", "true"),
        Row("has(claims.absent)", "false"), Row("'sub' in claims", "true"),
        Row("claims.absent", "error: no such key: absent"),
        Row("claims.sub.absent", "error: a string has no fields (.absent)"),
        Row("claims['e\\u0301']", "error: no such key: \"e\u{301}\""),
        Row("claims.all(name, name != '')", "true"), Row(".claims.run", "7"),
        Row("claims.map(k, k)[0]", "\"aud\""),
    ]

    @Test(arguments: rows)
    func `are reached by dots and brackets`(row: Row) {
        #expect(result(of: row.source, claims: Self.claims) == row.expected)
    }
}
