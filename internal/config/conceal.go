package config

import (
	"fmt"
	"strings"
)

// longest is the longest word that an error quotes: WeCom's secrets have 43 characters, and the values that
// these errors are about are shorter.
const longest = 20

// conceal returns the error about a value without the value, if that may be a misplaced secret.
func conceal(err error, value string) string {
	text := err.Error()
	isURL := strings.Contains(value, "@") || strings.Contains(value, "://")      // perhaps with a password
	isPath := strings.ContainsAny(value, "/.") && !strings.HasSuffix(value, "=") // base64 ends in =
	if !isURL && (len(value) <= longest || isPath) {
		return text
	}
	instead := fmt.Sprintf("a value of %d characters", len(value))
	return strings.ReplaceAll(strings.ReplaceAll(text, fmt.Sprintf("%q", value), instead), value, instead)
}
