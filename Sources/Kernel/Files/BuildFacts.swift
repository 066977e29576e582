import CLinux

/// Which build this is: debug or release, and of which commit where packaging/build.sh made it.
package let buildDescription = unsafe String(cString: wif_build())
