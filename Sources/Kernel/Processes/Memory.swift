internal import CLinux

/// Gives back to the kernel what lies in memory for no present use: the code of a start, and the heap's free
/// pages. What is used again is mapped again, from the page cache as a rule, in less than a millisecond.
package func releaseUnusedPages() {
    wif_release_unused_pages()
}

/// Has the threads to come use the heap that is there: they allocate little, and one of its own costs each of
/// them some pages.
func shareHeap() {
    wif_share_heap()
}
