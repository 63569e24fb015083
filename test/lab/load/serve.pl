# Answers every TCP connection, of either family, with its name and closes it.
# Arguments: the name, and the port to listen on.
use strict;
use warnings;
use Socket;

my ($name, $port) = @ARGV;
socket(my $listener, AF_INET6, SOCK_STREAM, 0) or die "socket: $!";
setsockopt($listener, SOL_SOCKET, SO_REUSEADDR, 1) or die "SO_REUSEADDR: $!";
bind($listener, pack_sockaddr_in6($port, "\0" x 16)) or die "bind: $!";
listen($listener, 4096) or die "listen: $!";
$| = 1;
print "listening\n";
while (1) {
  accept(my $client, $listener) or next;
  syswrite($client, "$name\n");
  close $client;
}
