package gateway

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wecomq/wecomq/internal/config"
)

// maxPersonBytes bounds the name of a person.
const maxPersonBytes = 64

// person returns the user whom a trusted proxy has logged in; nil if there is none, or the user has no
// permissions. The reason is in the access log: a token is still accepted.
func (s *Settings) person(r *http.Request) *Identity {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if s.Login == nil || err != nil || !s.trusts(bare(peer.Addr())) {
		return nil
	}
	name, err := onlyValue(r.Header, s.Login.ProxyHeader)
	if name == "" && err == nil {
		return nil
	}
	groups, groupsErr := onlyValue(r.Header, s.Login.GroupsHeader)
	group, found := groupOf(s.Login, groups)
	switch info := requestInfoFrom(r.Context()); {
	case err != nil || groupsErr != nil:
		info.err = fmt.Sprintf("the proxy must replace %s and %s, not add to them", s.Login.ProxyHeader, s.Login.GroupsHeader)
	case !showable(name):
		info.err = fmt.Sprintf("%s has a name that cannot be shown, or over %d bytes", s.Login.ProxyHeader, maxPersonBytes)
	case !found:
		info.err = fmt.Sprintf("no group of %q is in gateway.login.groups", name)
	default:
		identity := s.identity(config.Token{Name: config.PersonPrefix + name, Apps: group.Apps, Scopes: group.Scopes})
		identity.person = true
		return identity
	}
	return nil
}

// showable reports whether a name can be used in records, logs and pages.
func showable(name string) bool {
	hidden := func(c rune) bool { return !unicode.IsPrint(c) }
	return len(name) <= maxPersonBytes && utf8.ValidString(name) && !strings.ContainsFunc(name, hidden)
}

// onlyValue is the value of a header. If there are several, the client has added one.
func onlyValue(header http.Header, name string) (string, error) {
	values := header.Values(name)
	if name == "" || len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 {
		return "", fmt.Errorf("%s comes %d times", name, len(values))
	}
	return strings.TrimSpace(values[0]), nil
}

// groupOf is the first group of the config that the user belongs to.
func groupOf(login *config.Login, groups string) (config.Group, bool) {
	var mine []string
	for group := range strings.SplitSeq(groups, ",") {
		mine = append(mine, strings.TrimSpace(group))
	}
	i := slices.IndexFunc(login.Groups, func(g config.Group) bool { return g.Name == config.Everybody || slices.Contains(mine, g.Name) })
	if i < 0 {
		return config.Group{}, false
	}
	return login.Groups[i], true
}
