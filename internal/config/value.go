package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wecomq/wecomq/wecom"
)

// The functions of this file turn the text of a setting into its value. Their errors
// quote the text, unless it may contain a secret.

func nonEmpty[T ~string](text string) (T, error) {
	if text == "" {
		return "", errors.New("empty")
	}
	return T(text), nil
}

// oneLine accepts a secret, which has no line breaks: a file with two secrets is invalid.
func oneLine(text string) (wecom.Secret, error) {
	if strings.ContainsAny(text, "\r\n") {
		return "", errors.New("more than one line")
	}
	return nonEmpty[wecom.Secret](text)
}

// choice accepts one of these words.
func choice(words []string) func(string) (string, error) {
	return func(text string) (string, error) {
		if !slices.Contains(words, text) {
			return "", fmt.Errorf("%q is not one of %s", text, strings.Join(words, ", "))
		}
		return text, nil
	}
}

// atLeast accepts a whole number that is not below least.
func atLeast(least int) func(string) (int, error) {
	return func(text string) (int, error) {
		n, err := strconv.Atoi(text)
		if err != nil || n < least || n > math.MaxInt32 {
			return 0, fmt.Errorf("%q is not a whole number from %d to %d", text, least, math.MaxInt32)
		}
		return n, nil
	}
}

// minRecords is longer than any pause between two attempts of a message, because the record prevents duplicates.
const minRecords = time.Hour

// maxKept is the longest time for which data may be kept in Redis.
const maxKept = 10 * 365 * 24 * time.Hour

// duration accepts a duration from shortest to longest.
func duration(shortest, longest time.Duration) func(string) (time.Duration, error) {
	return func(text string) (time.Duration, error) {
		d, err := time.ParseDuration(text)
		if err != nil {
			return 0, fmt.Errorf("%q is not a duration (write 500ms, 10s, 5m or 24h; 168h are 7 days)", text)
		}
		if d < shortest {
			return 0, fmt.Errorf("%q is too short (at least %s)", text, shortest)
		}
		if d > longest {
			return 0, fmt.Errorf("%q is too long (at most %s)", text, longest)
		}
		return d, nil
	}
}

// byteSize accepts a size such as 256MB, at least that of WeCom's largest file. A KB has 1024 bytes.
func byteSize(text string) (int64, error) {
	for unit, factor := range map[string]int64{"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30} {
		digits, ok := strings.CutSuffix(text, unit)
		if n, err := strconv.ParseInt(digits, 10, 32); ok && err == nil && n >= 0 {
			if n*factor < wecom.MaxFileBytes {
				return 0, fmt.Errorf("%q is too small (at least %dMB, WeCom's largest file)", text, wecom.MaxFileBytes>>20)
			}
			return n * factor, nil
		}
	}
	return 0, fmt.Errorf("%q is not a size (write 64MB or 2GB)", text)
}

// percent accepts a percentage and returns it as a share: 0.05 for 5%.
func percent(text string) (float64, error) {
	digits, ok := strings.CutSuffix(text, "%")
	p, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || !(p >= 0 && p < 100) { // this form also rejects NaN
		return 0, fmt.Errorf("%q is not a percentage from 0%% to below 100%%", text)
	}
	return p / 100, nil
}

// ianaZone accepts a time zone that is the same on every host.
func ianaZone(text string) (string, error) {
	if _, err := time.LoadLocation(text); err != nil || text == "" || text == "Local" {
		return "", fmt.Errorf("%q is not a time zone such as Asia/Shanghai or UTC", text)
	}
	return text, nil
}

// agentID accepts a positive number, quoted or not.
func agentID(text string) (string, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err != nil || n <= 0 || strconv.FormatInt(n, 10) != text {
		return "", fmt.Errorf("%q is not a positive number such as 1000002", text)
	}
	return text, nil
}

// parseURL parses an http or https URL. Its errors show an example instead of the URL, which may contain a password.
func parseURL(text, like string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("not a URL (write something like %s)", like)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("neither an http:// nor an https:// URL")
	case u.Hostname() == "":
		return nil, errors.New("a URL without a host")
	}
	return u, nil
}

// pageURL accepts an http or https URL.
func pageURL(text string) (wecom.Secret, error) {
	_, err := parseURL(text, "https://host/path")
	return wecom.Secret(text), err
}

// hostURL accepts an http or https URL without a query.
func hostURL(text string) (*url.URL, error) {
	u, err := parseURL(text, "https://host:port")
	if err == nil && (u.RawQuery != "" || u.Fragment != "") {
		err = errors.New("a URL with a query or fragment (drop what follows ? or #)")
	}
	return u, err
}

// baseURL accepts an http or https URL without a password.
func baseURL(text string) (string, error) {
	u, err := hostURL(text)
	if err == nil && u.User != nil {
		err = errors.New("a URL with a user or password (drop what precedes @)")
	}
	return text, err
}

// ParseExpiry parses the expiry of a token: a time, or a date, which means its end in UTC.
func ParseExpiry(text string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fmt.Errorf("%q is not a date such as 2027-01-31, or a time such as 2027-01-31T18:00:00+08:00", text)
	}
	return at, nil
}

// proxyURL accepts an http or https URL, or nothing for no proxy.
func proxyURL(text string) (wecom.Secret, error) {
	if text == "" {
		return "", nil
	}
	_, err := hostURL(text)
	return wecom.Secret(text), err
}

// address accepts host:port, where an empty host means every interface.
func address(text string) (string, error) {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return "", fmt.Errorf("%q is not host:port", text)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("%q: its port is not a number from 0 to 65535", text)
	}
	return text, nil
}

// addressOrNone accepts host:port, or nothing.
func addressOrNone(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	return address(text)
}

// headerName accepts the name of an HTTP header.
func headerName(text string) (string, error) {
	if text == "" || strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
		return "", fmt.Errorf("%q is not the name of a header such as X-Forwarded-User", text)
	}
	return text, nil
}

// network accepts an address, or a network in CIDR notation.
func network(text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if addr, addrErr := netip.ParseAddr(text); addrErr == nil && addr.Zone() == "" {
		prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	switch {
	case err != nil:
		return prefix, fmt.Errorf("%q is neither an address nor a network (write 10.0.0.7, or 10.0.0.8/29 for a network of proxies only)", text)
	case prefix.Addr().Is4In6():
		return prefix, fmt.Errorf("%q is an IPv4 address in IPv6 form (write it as IPv4)", text)
	case prefix.Bits() == 0:
		return prefix, fmt.Errorf("%q is every address (name those of your proxies)", text)
	}
	return prefix.Masked(), nil
}

// sha256Hex accepts the hexadecimal form of a SHA-256.
func sha256Hex(text string) (sum [32]byte, err error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(sum) {
		return sum, fmt.Errorf("%d characters, want the 64 hexadecimal digits of a SHA-256 "+
			"(printf %%s \"$TOKEN\" | sha256sum)", len(text))
	}
	return [32]byte(raw), nil
}
