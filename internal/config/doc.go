// Package config reads wecomq.yaml, or without a file the environment, into a Config with all fields set and
// valid. Reading is strict: it reports unknown and repeated keys, bad values and missing secrets all at once,
// each with file, line and field, and never shows a secret.
//
// ${NAME} in a value is replaced by the environment variable, after the YAML is parsed, so that no value can
// change the file's structure; $${ is a literal ${. Any value can be kept in a file of its own: the key with
// _file appended takes the file's path, relative to the config file. White space around any value is removed,
// and so is a byte order mark before it; a secret is a single line.
package config
