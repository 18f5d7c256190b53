// Package appearance reads the texts of messages as WeCom's clients show them.
package appearance
