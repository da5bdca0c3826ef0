#!/usr/bin/perl
#! Labelled pictures by Authen::Captcha: `perl authen.pl FOLDER COUNT`.
use strict;
use warnings;
use Authen::Captcha;
use File::Copy;
use File::Temp 'tempdir';

my ($folder, $count) = @ARGV;
my $data = tempdir(CLEANUP => 1);
my $captcha = Authen::Captcha->new(data_folder => $data, output_folder => $data);
for my $number (0 .. $count - 1) {
    my ($sum, $text) = $captcha->generate_code(5);
    move("$data/$sum.png", "$folder/${text}_num$number.png") or die "$sum: $!";
}
