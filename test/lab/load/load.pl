# Makes so many connections a second, each of which is to be answered with a line, until it is told to end (SIGTERM).
# Prints how many were answered, as they go, and at last one line of JSON: see SteadyReport in start-load.ts. What falls
# behind by more than a second is given up.
# Arguments: IPv4 or IPv6, address, port, connections a second, most at a time, seconds after which one is lost.
use strict;
use warnings;
use Errno qw(EINPROGRESS);
use POSIX ();
use Socket;

my ($family, $address, $port, $rate, $most, $patience) = @ARGV;
my $domain = $family eq 'IPv4' ? AF_INET : AF_INET6;
my $packed = Socket::inet_pton($domain, $address);
my $target = $domain == AF_INET ? pack_sockaddr_in($port, $packed) : pack_sockaddr_in6($port, $packed);
my $ticks = POSIX::sysconf(POSIX::_SC_CLK_TCK());
my ($started, $answered, $slow, $stopped) = (0, 0, 0, 0);
# After so many answers their number is told.
my $stride = 5;
$| = 1;
my (%connections, %names, @failures);
# Descriptors that wait to be connected, and to be answered.
my ($connecting, $waiting) = ('', '');
$SIG{TERM} = sub { $stopped = 1 };

# Seconds, in hundredths, of a clock that nobody sets; finer ones are not part of every Perl.
sub now { return (POSIX::times())[0] / $ticks }
my $begin = now();
# When the first of all connections would have been due at this rate.
my $origin = $begin;

sub finish {
  my ($descriptor, $failure) = @_;
  my $connection = delete $connections{$descriptor};
  vec($connecting, $descriptor, 1) = 0;
  vec($waiting, $descriptor, 1) = 0;
  close $connection->{socket};
  # The first segment was sent again, so it had been lost.
  $slow++ if now() - $connection->{at} >= 1;
  if (!defined $failure) { $answered++ }
  elsif (@failures < 50) { push @failures, sprintf('%.2f s: %s', now() - $begin, $failure) }
}

sub start {
  $started++;
  socket(my $socket, $domain, SOCK_STREAM | Socket::SOCK_NONBLOCK(), 0) or die "socket: $!";
  my $descriptor = fileno $socket;
  $connections{$descriptor} = { socket => $socket, at => now() };
  if (connect($socket, $target)) { vec($waiting, $descriptor, 1) = 1 }
  elsif ($! == EINPROGRESS) { vec($connecting, $descriptor, 1) = 1 }
  else { finish($descriptor, "connecting: $!") }
}

sub connected {
  my ($descriptor) = @_;
  $! = unpack('i', getsockopt($connections{$descriptor}{socket}, SOL_SOCKET, SO_ERROR));
  return finish($descriptor, "connecting: $!") if $!;
  vec($connecting, $descriptor, 1) = 0;
  vec($waiting, $descriptor, 1) = 1;
}

sub answered {
  my ($descriptor) = @_;
  my $length = sysread($connections{$descriptor}{socket}, my $line, 100);
  return finish($descriptor, "reading: $!") if !defined $length;
  return finish($descriptor, 'closed without an answer') if $length == 0;
  chomp $line;
  $names{$line}++;
  finish($descriptor);
  print "$answered\n" if $answered % $stride == 0;
}

until ($stopped && !%connections) {
  my $due = (now() - $origin) * $rate;
  $origin = now() - $started / $rate if $due - $started > $rate;
  start() while !$stopped && $started <= $due && keys(%connections) < $most;
  my $ready = select(my $readable = $waiting, my $writable = $connecting, undef, 0.01);
  for my $descriptor (keys %connections) {
    if ($ready > 0 && vec($writable, $descriptor, 1)) { connected($descriptor) }
    elsif ($ready > 0 && vec($readable, $descriptor, 1)) { answered($descriptor) }
    elsif (now() - $connections{$descriptor}{at} > $patience) { finish($descriptor, 'no answer') }
  }
}

sub quoted { return join ',', map { "\"$_\"" } @_ }
my $seconds = sprintf('%.2f', now() - $begin);
my $counts = join ',', map { "\"$_\":$names{$_}" } sort keys %names;
my $failures = quoted(map { tr/\\"//dr } @failures);
print qq({"attempts":$started,"answered":$answered,"slow":$slow,"seconds":$seconds,"byBackend":{$counts},"failures":[$failures]}\n);
