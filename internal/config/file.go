package config

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/wecomq/wecomq/internal/textfile"
)

// file is the content of a file and its permissions.
type file struct {
	content []byte
	mode    fs.FileMode // permission bits
}

// othersRead reports whether users other than the owner may read a file.
func othersRead(mode fs.FileMode) bool { return mode&0o077 != 0 }

// readFile reads a file of at most maxFileBytes.
func readFile(path string) (file, error) {
	f, err := os.Open(path)
	if err != nil {
		return file{}, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return file{}, err
	}
	content, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return file{}, err
	}
	if len(content) > maxFileBytes {
		return file{}, fmt.Errorf("%s: %d bytes, the limit is %d", path, info.Size(), maxFileBytes)
	}
	if bytes.HasPrefix(content, []byte("\xff\xfe")) || bytes.HasPrefix(content, []byte("\xfe\xff")) {
		return file{}, fmt.Errorf("%s: the file is UTF-16; save it as UTF-8", path)
	}
	return file{content: textfile.TrimMark(content), mode: info.Mode().Perm()}, nil
}
