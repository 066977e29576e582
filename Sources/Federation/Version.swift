/// This program's version, for `--version` and for peers that are told.
package let programVersion = "0.1.0"
