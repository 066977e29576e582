import Kernel
import Testing

@Suite struct `An instant on the boot clock` {
    // One of them came out a nanosecond early: who slept until it was never woken by a clock that was
    // moved by so much.
    @Test(
        arguments: [
            0, 1, 999_999_999, 33_258_793_550_908, 34_962_921_805_736, 86_400_000_000_000, -7,
        ] as [Int64]
    )
    func `is reached by the seconds until it`(nanoseconds: Int64) {
        let (start, end) = (BootInstant(seconds: 0), BootInstant(nanoseconds: nanoseconds))
        #expect(start.advanced(bySeconds: end.seconds(since: start)) == end)
    }

    @Test func `saturates`() {
        let end = BootInstant.distantFuture
        #expect(end.advanced(bySeconds: 1) == end)
        #expect(BootInstant(seconds: 1).advanced(bySeconds: .infinity) > BootInstant(seconds: 8e9))
        #expect(BootInstant(seconds: .nan) == BootInstant(nanoseconds: -9_000_000_000_000_000_000))
    }
}
