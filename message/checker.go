package message

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The consequences of a value that is too long.
const (
	cuts    = "it would cut the rest silently"
	refuses = "it would refuse the message"
)

// checker collects the problems below one JSON path.
type checker struct {
	path  string // "" at the top
	found *[]FieldError
}

// at returns the checker of a member.
func (c checker) at(name string) checker {
	c.path = c.name(name)
	return c
}

// item returns the checker of a list item.
func (c checker) item(list string, i int) checker {
	return c.at(list + "[" + strconv.Itoa(i) + "]")
}

func (c checker) name(field string) string {
	switch {
	case c.path == "":
		return field
	case field == "":
		return c.path
	default:
		return c.path + "." + field
	}
}

func (c checker) problem(field, format string, args ...any) {
	if len(*c.found) < maxProblems {
		*c.found = append(*c.found, FieldError{Field: c.name(field), Problem: fmt.Sprintf(format, args...)})
	}
}

// required reports whether there is a value to check further.
func (c checker) required(field, value string) bool {
	if value == "" {
		c.problem(field, "missing or empty")
	}
	return value != ""
}

func (c checker) maxBytes(field, value string, limit int, consequence string) {
	if n := len(value); n > limit {
		c.problem(field, "%d bytes, %d more than WeCom's limit of %d (%s)", n, n-limit, limit, consequence)
	}
}

func (c checker) maxChars(field, value string, limit int, consequence string) {
	if len(value) <= limit {
		return
	}
	if n := utf8.RuneCountInString(value); n > limit {
		c.problem(field, "%d characters, %d more than WeCom's limit of %d (%s)", n, n-limit, limit, consequence)
	}
}

func (c checker) atMost(field string, n, limit int, things string) {
	if n > limit {
		c.problem(field, "%d %s, %d more than WeCom's limit of %d in one message", n, things, n-limit, limit)
	}
}

func (c checker) oneTo(field string, n, most int) {
	if n < 1 || n > most {
		c.problem(field, "%d items; WeCom takes 1 to %d", n, most)
	}
}

func (c checker) upTo(field string, value, most int) {
	if value < 0 || value > most {
		c.problem(field, "%d; WeCom takes 0 to %d", value, most)
	}
}

// all requires every id to be valid.
func (c checker) all(field string, ids []string, good func(string) bool, problem string) {
	for _, id := range ids {
		if !good(id) {
			c.problem(field, "%s %s", quote(id), problem)
		}
	}
}

// link requires a URL that opens in a browser.
func (c checker) link(field, url string) {
	if !c.required(field, url) {
		return
	}
	if !hasPrefixFold(url, "http://") && !hasPrefixFold(url, "https://") {
		c.problem(field, "%s does not begin with http:// or https://", quote(url))
	}
	c.maxBytes(field, url, MaxURLBytes, refuses)
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// key requires an id of at most limit bytes that no other item of the list has.
func (c checker) key(field, key string, limit int, seen map[string]bool) {
	if !c.required(field, key) {
		return
	}
	c.maxBytes(field, key, limit, refuses)
	if seen[key] {
		c.problem(field, "%s is already used by an earlier item", quote(key))
	}
	seen[key] = true
}
