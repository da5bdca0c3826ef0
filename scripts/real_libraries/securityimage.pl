#!/usr/bin/perl
#! Labelled pictures by GD::SecurityImage, each of its styles in turn: `perl securityimage.pl FOLDER COUNT`.
use strict;
use warnings;
use GD::SecurityImage;

my ($folder, $count) = @ARGV;
my @styles = qw(default rect box circle ellipse ec);
for my $number (0 .. $count - 1) {
    my $image = GD::SecurityImage->new(
        width => 160, height => 60, lines => 10, ptsize => 22,
        font => '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf',
    );
    $image->random;
    $image->create(ttf => $styles[$number % @styles], [10, 10, 100], [150, 150, 150]);
    $image->particle(200) if $number % 3 == 0;
    my ($data, undef, $text) = $image->out(force => 'png');
    open my $file, '>:raw', "$folder/${text}_num$number.png" or die $!;
    print {$file} $data;
    close $file;
}
