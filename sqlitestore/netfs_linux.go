package sqlitestore

import "syscall"

// networks are file systems that several machines can mount, which then do not
// share the log's memory. The numbers are the ones that stat(1) knows:
// https://github.com/coreutils/coreutils/blob/master/src/stat.c
var networks = map[uint32]string{
	0x6969:     "NFS",
	0x517b:     "SMB",
	0xfe534d42: "SMB",
	0xff534d42: "SMB",
	0x5346414f: "AFS",
	0x6b414653: "AFS",
	0x00c36400: "Ceph",
	0x73757245: "Coda",
	0x7461636f: "OCFS2",
	0x01161970: "GFS2",
	0x0bd00bd0: "Lustre",
	0x47504653: "GPFS",
	0x19830326: "BeeGFS",
	0xaad7aaea: "PanFS",
}

// networkFS names the network file system that a folder lies on, if it is one.
func networkFS(dir string) string {
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) != nil {
		return "" // opening the file will tell
	}
	return networks[uint32(st.Type)]
}
