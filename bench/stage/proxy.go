package stage

import (
	"strings"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// StartProxy starts a proxy to an address that treats what it passes on as a toxic of toxiproxy does, given as JSON.
// It listens on the proxy's Listen; Stop ends it.
func StartProxy(address, toxic string) (*toxiproxy.Proxy, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, "network", "127.0.0.1:0", address)
	if err := proxy.Start(); err != nil {
		return nil, err
	}
	if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		proxy.Stop()
		return nil, err
	}
	return proxy, nil
}
